/**
 * The tables. Times are milliseconds since 1970-01-01T00:00:00Z, but for `latest_finished_at`, which is in seconds as Hydra
 * tells it. Numbers are checked here; which words a column may hold is checked when it is read, so that a new word is no
 * new schema.
 */

/** "hail" in ASCII: it marks a database as hail's, in the header of the file. */
export const APPLICATION_ID = 0x6861696c;

/** The last moment that a `Date` can be. */
const TIME_MAX = 8_640_000_000_000_000;

// NULL passes a CHECK. One that concerns several columns stands behind the last of them.
const number = (column: string, least = 0) =>
  `${column} INTEGER CHECK (${column} BETWEEN ${least} AND ${Number.MAX_SAFE_INTEGER})`;
const time = (column: string) => `${column} INTEGER CHECK (${column} BETWEEN 0 AND ${TIME_MAX})`;
const flag = (column: string) => `${column} INTEGER CHECK (${column} IN (0, 1))`;

/** Either all of these columns are NULL, or none is. */
const together = (prefix: string, ...fields: readonly string[]) => {
  const missing = fields.map((field) => `(${prefix}_${field} IS NULL)`);
  return `CHECK (${missing.join(" + ")} IN (0, ${fields.length}))`;
};

const version = (prefix: string) => `
  ${prefix}_path TEXT,
  ${number(`${prefix}_build_id`)},
  ${prefix}_name TEXT
    CHECK (${prefix}_path IS NOT NULL OR (${prefix}_build_id IS NULL AND ${prefix}_name IS NULL))`;

const fault = (prefix: string) => `
  ${prefix}_step TEXT,
  ${prefix}_code TEXT,
  ${prefix}_message TEXT,
  ${prefix}_next TEXT,
  ${time(`${prefix}_at`)}
    ${together(prefix, "step", "code", "message", "next", "at")}`;

const VERSION_1 = `
CREATE TABLE deployment (
  id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER}),
  kind TEXT NOT NULL,
  ${time("begun_at")} NOT NULL,
  ${time("ended_at")},
  outcome TEXT,
  ${flag("degraded")} NOT NULL,
  ${flag("hydra_answered")} NOT NULL,
  ${number("runs")} NOT NULL,
  ${number("begun")} NOT NULL,
  ${number("leader_pid", 1)},
  leader_boot_id TEXT
    ${together("leader", "pid", "boot_id")},
  ${version("target")}
    CHECK (target_path IS NOT NULL),
  ${version("go_back")},
  ${fault("fault")},
  ${fault("rollback_fault")}
) STRICT;

-- One row. Its deployment is the one under way, or the last one. Each commit counts the revision up.
CREATE TABLE service (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  profile TEXT NOT NULL,
  job_uri TEXT NOT NULL,
  settings TEXT NOT NULL,
  writer TEXT NOT NULL,
  ${number("revision", 1)} NOT NULL,
  ${time("written_at")} NOT NULL,
  state TEXT NOT NULL,
  ${time("since")} NOT NULL,
  work_id INTEGER REFERENCES deployment (id),
  ${number("deployments")} NOT NULL,
  ${time("active_since")},
  active_how TEXT,
  ${flag("active_degraded")},
  seen TEXT NOT NULL CHECK (seen IN ('unknown', 'absent', 'path')),
  seen_path TEXT,
  ${number("latest_id")},
  latest_out_path TEXT,
  latest_name TEXT,
  ${time("latest_finished_at")},
  pause_reason TEXT,
  ${time("pause_since")},
  ${time("pause_until")},
  ${time("held_since")},
  ${time("polled_at")},
  ${time("next_poll_at")},
  ${number("failures")} NOT NULL,
  ${time("last_failure_at")},
  last_failure_code TEXT,
  last_failure_message TEXT,
  last_failure_next TEXT,
  ${version("active")}
    ${together("active", "path", "since", "how", "degraded")},
  ${version("previous")},
  CHECK ((seen = 'path') = (seen_path IS NOT NULL)),
  ${together("latest", "id", "out_path", "name")},
  ${together("last_failure", "at", "code", "message", "next")}
) STRICT;

-- In the order in which they were marked.
CREATE TABLE bad_build (
  position INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  ${number("build_id")},
  step TEXT NOT NULL,
  reason TEXT NOT NULL,
  ${time("at")} NOT NULL
) STRICT;

-- What happened, without a gap. The deployment may have left the history before.
CREATE TABLE transition (
  seq INTEGER PRIMARY KEY AUTOINCREMENT CHECK (seq BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER}),
  ${number("deployment_id", 1)},
  ${time("at")} NOT NULL,
  from_state TEXT NOT NULL,
  event TEXT NOT NULL,
  to_state TEXT NOT NULL
) STRICT;
`;

// What the gates need, and say.
const VERSION_2 = `
ALTER TABLE service ADD COLUMN ${time("latest_since")};
ALTER TABLE service ADD COLUMN closed_gate TEXT;
ALTER TABLE service ADD COLUMN closed_why TEXT ${together("closed", "gate", "why")};
ALTER TABLE service ADD COLUMN ${time("closed_ask_again_at")}
  CHECK (closed_ask_again_at IS NULL OR closed_gate IS NOT NULL);
`;

/**
 * What leads from each version of the schema to the next; the first makes the tables of an empty database. The version
 * of a database is its `user_version`: how many of these it has seen. What was released is never changed.
 */
export const MIGRATIONS: readonly string[] = [VERSION_1, VERSION_2];
