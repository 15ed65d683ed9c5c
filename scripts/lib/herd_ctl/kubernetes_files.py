"""The files that init --kubernetes writes: a directory for kustomize, which is a part of kubectl. docs/KUBERNETES.md
explains them. Placeholders are those of string.Template; a literal $ is written as $$."""

from .kubernetes_pods import STATEFUL_SET

# Files that only their owner may read.
PRIVATE = ("tokens.toml",)

CONFIG = """\
# The configuration of a herd in Kubernetes: ${what}.
# Written by scripts/herd init. conf/herd.toml explains every key, with its default. `herd-node --check` reports every
# mistake in this file with its line. docs/KUBERNETES.md describes how to apply a change.

[herd]
# A node refuses peers of another herd.
name = "herd"

# On the volume of the pod. A directory of its own, because the top of a volume may contain lost+found and belongs to
# root.
state_dir = "/var/lib/herd/state"

[clients]
# 10 million clients take 1.5 GB at each node. statefulset.yaml limits the memory of a pod to 2 GiB.
max_clients = 10000000

${clients}
[bus]
# Relative to this file, in the pods and here. scripts/herd keygen --all writes them.
keys_dir = "keys"

[places]
# "google" needs a key, and port 443 to the outside in networkpolicy.yaml.
providers = ["embedded"]

[http]
# The pages, other than those of the probes, need a token: scripts/herd token new NAME.
auth = "token"
${http_tls}
# ---- The nodes. Each is the pod of its name. -------------------------------------------------------------------------
# The ports are the same in all pods. Peers find the pods by the DNS names of the headless Service herd-nodes, and look
# a name up again when a link is lost.
${nodes}"""

NODE = """
[[node]]
name = "${name}"
clients = "0.0.0.0:12140"
bus = "tcp://0.0.0.0:12240"
bus_public = "tcp://${name}.herd-nodes:12240"
http = "0.0.0.0:12440"
peers = [${peers}]
"""

CLIENTS_PLAIN = """\
# Clients send plain text inside of the cluster. networkpolicy.yaml admits only pods with the label herd-client.
allow_plaintext = true
"""

CLIENTS_TLS = """\
# The Secret herd-tls contains both files.
tls = "on"
tls_cert = "tls/tls.crt"
tls_key = "tls/tls.key"
"""

HTTP_TLS = """\

# With the certificate of [clients].
tls = "on"
"""

TOKENS = """\
# The tokens of clients and of programs that read the HTTP pages: scripts/herd token new NAME adds one.
"""

IGNORED = """\
# Secrets do not belong into a repository.
keys/
tls/
tokens.toml
"""

KUSTOMIZATION = """\
# kubectl apply -k DIRECTORY applies all of it. The names of the ConfigMap and of the Secrets get a hash of their
# content, so a change of one of them restarts the pods, one after another.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: ${namespace}
resources:
  - namespace.yaml
  - services.yaml
  - statefulset.yaml
  - poddisruptionbudget.yaml
  - networkpolicy.yaml
  # Only with the Prometheus operator, which defines this kind:
  # - servicemonitor.yaml
generatorOptions:
  labels:
    app.kubernetes.io/name: herd
configMapGenerator:
  - name: herd-config
    files:
      - herd.toml
secretGenerator:
  # scripts/herd keygen --all --config herd.toml makes the keys.
  - name: herd-keys
    files:
      - keys/public.toml
${secrets}  - name: herd-tokens
    files:
      - tokens.toml
${tls_secrets}"""

TLS_SECRETS = """\
  # The certificate with those of its issuers, and its private key without a passphrase.
  - name: herd-tls
    type: kubernetes.io/tls
    files:
      - tls/tls.crt
      - tls/tls.key
"""

NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
  labels:
    # The strictest standard of Kubernetes: the pods of a herd keep to it.
    pod-security.kubernetes.io/enforce: restricted
"""

SERVICES = """\
# The DNS names of the pods: herd-0.herd-nodes and so on.
apiVersion: v1
kind: Service
metadata:
  name: herd-nodes
  labels:
    app.kubernetes.io/name: herd
    herd-service: nodes
spec:
  clusterIP: None
  # A pod becomes ready after it has synchronised with its peers, so they must find it before.
  publishNotReadyAddresses: true
  selector:
    app.kubernetes.io/name: herd
  ports:
    - name: bus
      port: 12240
      targetPort: bus
    - name: http
      port: 12440
      targetPort: http
---
# Where clients connect to. Every ready node answers every client.
apiVersion: v1
kind: Service
metadata:
  name: herd
  labels:
    app.kubernetes.io/name: herd
    herd-service: clients
spec:
  selector:
    app.kubernetes.io/name: herd
  ports:
    - name: clients
      port: 12140
      targetPort: clients
    - name: http
      port: 12440
      targetPort: http
"""

BUDGET = """\
# While hosts are drained, at most one node is missing.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: herd
  labels:
    app.kubernetes.io/name: herd
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: herd
"""

POLICY = """\
# Which connections the pods of the herd accept and open. It has an effect only if the cluster's network supports it.
# The probes of the kubelet are not affected.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: herd
  labels:
    app.kubernetes.io/name: herd
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: herd
  policyTypes: [Ingress, Egress]
  ingress:
    # The bus: only the nodes of this herd.
    - from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: herd
      ports:
        - port: bus
    # Clients and the HTTP pages: pods of this namespace, and all pods of another one, with the label herd-client=true.
    - from:
        - podSelector:
            matchLabels:
              herd-client: "true"
        - namespaceSelector:
            matchLabels:
              herd-client: "true"
      ports:
        - port: clients
        - port: http
  egress:
    - to:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: herd
      ports:
        - port: bus
    # DNS, at any address.
    - ports:
        - port: 53
          protocol: UDP
        - port: 53
          protocol: TCP
"""

MONITOR = """\
# For the Prometheus operator, if kustomization.yaml names this file. The token is in a Secret that you make:
# docs/KUBERNETES.md. The namespace of Prometheus needs the label herd-client=true.
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: herd
  labels:
    app.kubernetes.io/name: herd
spec:
  selector:
    matchLabels:
      herd-service: nodes
  endpoints:
    - port: http
      scheme: ${monitor_scheme}
      path: /metrics
      authorization:
        credentials:
          name: herd-prometheus
          key: token
${monitor_tls}"""

MONITOR_TLS = """\
      tlsConfig:
        # The names in the certificate are those for clients, not those of the pods.
        insecureSkipVerify: true
"""

FILES = {
    "herd.toml": CONFIG,
    "tokens.toml": TOKENS,
    ".gitignore": IGNORED,
    "kustomization.yaml": KUSTOMIZATION,
    "namespace.yaml": NAMESPACE,
    "services.yaml": SERVICES,
    "statefulset.yaml": STATEFUL_SET,
    "poddisruptionbudget.yaml": BUDGET,
    "networkpolicy.yaml": POLICY,
    "servicemonitor.yaml": MONITOR,
}
