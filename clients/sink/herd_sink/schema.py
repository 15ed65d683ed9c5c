"""The tables in PostgreSQL, and the statements that write them. docs/SINK.md explains the
columns."""
from __future__ import annotations

TABLES = ("herd_positions", "herd_history", "herd_cursor")

# Generated columns cost nothing to the sink: the database computes them from what it writes.
CREATE = """
CREATE TABLE IF NOT EXISTS herd_positions (
  client text PRIMARY KEY,
  latitude double precision NOT NULL,
  longitude double precision NOT NULL,
  reported_at timestamptz GENERATED ALWAYS AS (to_timestamp(time_ns / 1e9)) STORED,
  time_ns bigint NOT NULL,
  coordinates text NOT NULL,
  node text NOT NULL,
  difference numeric(20, 9) NOT NULL,
  generation bigint NOT NULL,
  history_time_ns bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS herd_history (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event text NOT NULL CHECK (event IN ('report', 'reset', 'gone')),
  client text NOT NULL,
  latitude double precision,
  longitude double precision,
  reported_at timestamptz GENERATED ALWAYS AS (to_timestamp(time_ns / 1e9)) STORED,
  time_ns bigint,
  coordinates text,
  node text,
  difference numeric(20, 9),
  written_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS herd_history_reports
  ON herd_history (client, time_ns, coordinates) WHERE event = 'report';
CREATE TABLE IF NOT EXISTS herd_cursor (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  watch text NOT NULL,
  feed text,
  address text,
  number numeric(20) NOT NULL DEFAULT 0,
  generation bigint NOT NULL DEFAULT 0,
  is_complete boolean NOT NULL DEFAULT false,
  pending bigint NOT NULL DEFAULT 0,
  reports bigint NOT NULL DEFAULT 0,
  conflated bigint,
  snapshots bigint NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now()
);
"""

# Does nothing without the extension PostGIS. Rows that are there get their points, too.
CREATE_POINTS = """
DO $points$
DECLARE
  postgis name;
BEGIN
  SELECT n.nspname INTO postgis FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'postgis';
  IF FOUND THEN
    EXECUTE format(
      'ALTER TABLE herd_positions ADD COLUMN IF NOT EXISTS position %1$I.geography(Point, 4326)
         GENERATED ALWAYS AS (%1$I.geography(
           %1$I.st_setsrid(%1$I.st_makepoint(longitude, latitude), 4326))) STORED', postgis);
    CREATE INDEX IF NOT EXISTS herd_positions_position ON herd_positions USING gist (position);
  END IF;
END
$points$;
"""

LACKS_POINTS = """
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'postgis')
  AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'herd_positions'::regclass
                  AND attname = 'position' AND NOT attisdropped)"""

# Two sinks in one schema would undo each other's work. The lock ends with the session.
# No row if there is no such schema.
LOCK = """
SELECT pg_try_advisory_lock(hashtext('herd-sink'), (oid::bigint %% 2147483647)::integer)
FROM pg_namespace WHERE nspname = %s"""

HAS_RIGHTS = """
SELECT bool_and(has_table_privilege(%s, word))
FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS word"""

_ROWS = """json_to_recordset(%(rows)s) AS r (n integer, client text, time_ns bigint,
  coordinates text, latitude double precision, longitude double precision, node text,
  difference numeric)"""

# A report is added to the history if it is newer than all of its client that are there. An older
# one comes from a node that has not yet received what another one had sent. In one feed, though,
# the reports of a client never go back in time, unless it was reset: then the history begins anew.
ADD_HISTORY = f"""
INSERT INTO herd_history
  (event, client, latitude, longitude, time_ns, coordinates, node, difference)
SELECT 'report', r.client, r.latitude, r.longitude, r.time_ns, r.coordinates, r.node, r.difference
FROM {_ROWS} LEFT JOIN herd_positions p ON p.client = r.client
WHERE p.client IS NULL OR r.time_ns > p.history_time_ns
  OR (p.generation = %(generation)s AND r.time_ns < p.time_ns)
ORDER BY r.n
ON CONFLICT DO NOTHING"""

# The last row of each client counts. A row that changes nothing is not written, and not counted.
SET_POSITIONS = f"""
INSERT INTO herd_positions AS p (client, latitude, longitude, time_ns, coordinates, node,
  difference, generation, history_time_ns)
SELECT DISTINCT ON (r.client) r.client, r.latitude, r.longitude, r.time_ns, r.coordinates, r.node,
  r.difference, %(generation)s, r.time_ns
FROM {_ROWS} ORDER BY r.client, r.n DESC
ON CONFLICT (client) DO UPDATE SET latitude = EXCLUDED.latitude, longitude = EXCLUDED.longitude,
  time_ns = EXCLUDED.time_ns, coordinates = EXCLUDED.coordinates, node = EXCLUDED.node,
  difference = EXCLUDED.difference, generation = EXCLUDED.generation,
  history_time_ns = CASE WHEN p.generation = EXCLUDED.generation AND EXCLUDED.time_ns < p.time_ns
    THEN EXCLUDED.time_ns ELSE greatest(p.history_time_ns, EXCLUDED.time_ns) END
WHERE (p.generation, p.time_ns, p.coordinates, p.node, p.difference) IS DISTINCT FROM
  (EXCLUDED.generation, EXCLUDED.time_ns, EXCLUDED.coordinates, EXCLUDED.node,
   EXCLUDED.difference)"""

REMOVE = """
WITH removed AS (DELETE FROM herd_positions WHERE client = ANY (%(clients)s) RETURNING client)
INSERT INTO herd_history (event, client) SELECT %(event)s, client FROM removed"""

# What a complete snapshot has not named is not there any more.
SWEEP = """
WITH removed AS (DELETE FROM herd_positions WHERE generation <> %(generation)s RETURNING client)
INSERT INTO herd_history (event, client) SELECT 'gone', client FROM removed"""

READ_STATE = """
SELECT watch, feed, address, number, generation, is_complete, pending, reports, conflated,
  snapshots, version
FROM herd_cursor"""

FIRST_STATE = "INSERT INTO herd_cursor (watch, conflated) VALUES (%s, %s) ON CONFLICT DO NOTHING"

# The version makes a second writer visible that came while this one was cut off.
WRITE_STATE = """
UPDATE herd_cursor SET watch = %(watch)s, feed = %(feed)s,
  address = %(address)s, number = %(number)s,
  generation = %(generation)s, is_complete = %(is_complete)s, pending = %(pending)s,
  reports = %(reports)s, conflated = %(conflated)s, snapshots = %(snapshots)s,
  version = version + 1, updated_at = now()
WHERE version = %(version)s"""

STATUS = """
SELECT watch, feed, number::text, snapshots, reports, conflated,
  (SELECT count(*) FROM herd_positions), extract(epoch FROM now() - updated_at)::float8
FROM herd_cursor"""
