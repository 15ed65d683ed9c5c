"""The StatefulSet that init --kubernetes writes, with its parts for TLS. Placeholders are those of string.Template."""

STATEFUL_SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: herd
  labels:
    app.kubernetes.io/name: herd
spec:
  serviceName: herd-nodes
  # At most the number of nodes in herd.toml.
  replicas: ${count}
  # All pods start at once: a node needs no other one to start.
  podManagementPolicy: Parallel
  # One after another; each is ready before the next one stops.
  updateStrategy:
    type: RollingUpdate
  selector:
    matchLabels:
      app.kubernetes.io/name: herd
  template:
    metadata:
      labels:
        app.kubernetes.io/name: herd
    spec:
      # A node stops within 5 s after SIGTERM.
      terminationGracePeriodSeconds: 30
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        # The node may write to its volume.
        fsGroup: 10001
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile:
          type: RuntimeDefault
      # If there are enough hosts, each pod has one of its own.
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: herd
      initContainers:
        # A node refuses keys and tokens that another user owns or that a group may read, and Kubernetes mounts Secrets
        # so. This makes copies of its own, in memory. The pod sees no key of another node.
        - name: files
          image: ${image}
          imagePullPolicy: IfNotPresent
          command:
            - /bin/sh
            - -euc
            - |
              umask 077
              mkdir -p /run/herd/keys /run/herd/tls
              cd /mnt/herd
              install -m 0600 herd.toml tokens.toml /run/herd/
              install -m 0600 public.toml /run/herd/keys/
              install -m 0600 node.secret "/run/herd/keys/$$POD_NAME.secret"
              if [ -d tls ]; then install -m 0600 tls/tls.crt tls/tls.key /run/herd/tls/; fi
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          resources:
            requests:
              cpu: 10m
              memory: 16Mi
            limits:
              memory: 64Mi
          volumeMounts:
            - name: files
              mountPath: /run/herd
            - name: config
              mountPath: /mnt/herd/herd.toml
              subPath: herd.toml
              readOnly: true
            - name: tokens
              mountPath: /mnt/herd/tokens.toml
              subPath: tokens.toml
              readOnly: true
            - name: keys
              mountPath: /mnt/herd/public.toml
              subPath: public.toml
              readOnly: true
            - name: keys
              mountPath: /mnt/herd/node.secret
              subPathExpr: $$(POD_NAME).secret
              readOnly: true
${tls_mount}      containers:
        - name: node
          image: ${image}
          imagePullPolicy: IfNotPresent
          command: [/usr/bin/herd-node, "$$(POD_NAME)"]
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: HERD_CONFIG
              value: /run/herd/herd.toml
          ports:
            - name: clients
              containerPort: 12140
            - name: bus
              containerPort: 12240
            - name: http
              containerPort: 12440
          # Reading a journal of 100 million clients takes minutes: at most 10 here.
          startupProbe:
            httpGet:
              path: /livez
              port: http
              scheme: ${scheme}
            periodSeconds: 2
            timeoutSeconds: 3
            failureThreshold: 300
          # Only a node of which the loop does not answer is restarted: a restart does not help against a full disk.
          livenessProbe:
            httpGet:
              path: /livez
              port: http
              scheme: ${scheme}
            periodSeconds: 10
            timeoutSeconds: 3
            failureThreshold: 6
          readinessProbe:
            httpGet:
              path: /readyz
              port: http
              scheme: ${scheme}
            periodSeconds: 2
            timeoutSeconds: 3
            failureThreshold: 2
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          resources:
            requests:
              cpu: 250m
              memory: 512Mi
            limits:
              memory: 2Gi
          volumeMounts:
            - name: files
              mountPath: /run/herd
              readOnly: true
            - name: state
              mountPath: /var/lib/herd
      volumes:
        - name: files
          emptyDir:
            medium: Memory
            sizeLimit: 4Mi
        - name: config
          configMap:
            name: herd-config
        - name: tokens
          secret:
            secretName: herd-tokens
        - name: keys
          secret:
            secretName: herd-keys
${tls_volume}  volumeClaimTemplates:
    - metadata:
        name: state
      spec:
        accessModes: [ReadWriteOnce]
        # The journal, and its rewrite for a moment.
        resources:
          requests:
            storage: 10Gi
"""

TLS_MOUNT = """\
            - name: tls
              mountPath: /mnt/herd/tls
              readOnly: true
"""

TLS_VOLUME = """\
        - name: tls
          secret:
            secretName: herd-tls
"""
