-- The state of a service as the first released schema (version 1) has it: after two deployments, with a build
-- marked bad, a pause and a failure. What was released is never changed, and so is this.
PRAGMA application_id = 1751214444;
PRAGMA user_version = 1;
CREATE TABLE bad_build (
  position INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  build_id INTEGER CHECK (build_id BETWEEN 0 AND 9007199254740991),
  step TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER CHECK (at BETWEEN 0 AND 8640000000000000) NOT NULL
) STRICT;
INSERT INTO "bad_build" VALUES(1,'/nix/store/00000000000000000000000000000007-web-7.0',1007,'health','it was not well',1800000000000);
INSERT INTO "bad_build" VALUES(2,'/nix/store/00000000000000000000000000000003-web-3.0',1003,'health','it was not well',1800000000000);
INSERT INTO "bad_build" VALUES(3,'/nix/store/00000000000000000000000000000004-web-4.0',1004,'health','it was not well',1800000000000);
CREATE TABLE deployment (
  id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 9007199254740991),
  kind TEXT NOT NULL,
  begun_at INTEGER CHECK (begun_at BETWEEN 0 AND 8640000000000000) NOT NULL,
  ended_at INTEGER CHECK (ended_at BETWEEN 0 AND 8640000000000000),
  outcome TEXT,
  degraded INTEGER CHECK (degraded IN (0, 1)) NOT NULL,
  hydra_answered INTEGER CHECK (hydra_answered IN (0, 1)) NOT NULL,
  runs INTEGER CHECK (runs BETWEEN 0 AND 9007199254740991) NOT NULL,
  begun INTEGER CHECK (begun BETWEEN 0 AND 9007199254740991) NOT NULL,
  leader_pid INTEGER CHECK (leader_pid BETWEEN 1 AND 9007199254740991),
  leader_boot_id TEXT
    CHECK ((leader_pid IS NULL) + (leader_boot_id IS NULL) IN (0, 2)),
  target_path TEXT,
  target_build_id INTEGER CHECK (target_build_id BETWEEN 0 AND 9007199254740991),
  target_name TEXT
    CHECK (target_path IS NOT NULL OR (target_build_id IS NULL AND target_name IS NULL))
    CHECK (target_path IS NOT NULL),
  go_back_path TEXT,
  go_back_build_id INTEGER CHECK (go_back_build_id BETWEEN 0 AND 9007199254740991),
  go_back_name TEXT
    CHECK (go_back_path IS NOT NULL OR (go_back_build_id IS NULL AND go_back_name IS NULL)),
  fault_step TEXT,
  fault_code TEXT,
  fault_message TEXT,
  fault_next TEXT,
  fault_at INTEGER CHECK (fault_at BETWEEN 0 AND 8640000000000000)
    CHECK ((fault_step IS NULL) + (fault_code IS NULL) + (fault_message IS NULL) + (fault_next IS NULL) + (fault_at IS NULL) IN (0, 5)),
  rollback_fault_step TEXT,
  rollback_fault_code TEXT,
  rollback_fault_message TEXT,
  rollback_fault_next TEXT,
  rollback_fault_at INTEGER CHECK (rollback_fault_at BETWEEN 0 AND 8640000000000000)
    CHECK ((rollback_fault_step IS NULL) + (rollback_fault_code IS NULL) + (rollback_fault_message IS NULL) + (rollback_fault_next IS NULL) + (rollback_fault_at IS NULL) IN (0, 5))
) STRICT;
INSERT INTO "deployment" VALUES(1,'update',1800000000001,1767225606000,'active',0,1,4,1,NULL,NULL,'/nix/store/00000000000000000000000000000001-web-1.0',1001,'web-1.0','/nix/store/00000000000000000000000000000000-web-0.0',1000,'web-0.0',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "deployment" VALUES(2,'update',1800000000002,1767225612000,'active',0,1,4,1,NULL,NULL,'/nix/store/00000000000000000000000000000002-web-2.0',1002,'web-2.0','/nix/store/00000000000000000000000000000001-web-1.0',1001,'web-1.0',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE service (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  profile TEXT NOT NULL,
  job_uri TEXT NOT NULL,
  settings TEXT NOT NULL,
  writer TEXT NOT NULL,
  revision INTEGER CHECK (revision BETWEEN 1 AND 9007199254740991) NOT NULL,
  written_at INTEGER CHECK (written_at BETWEEN 0 AND 8640000000000000) NOT NULL,
  state TEXT NOT NULL,
  since INTEGER CHECK (since BETWEEN 0 AND 8640000000000000) NOT NULL,
  work_id INTEGER REFERENCES deployment (id),
  deployments INTEGER CHECK (deployments BETWEEN 0 AND 9007199254740991) NOT NULL,
  active_since INTEGER CHECK (active_since BETWEEN 0 AND 8640000000000000),
  active_how TEXT,
  active_degraded INTEGER CHECK (active_degraded IN (0, 1)),
  seen TEXT NOT NULL CHECK (seen IN ('unknown', 'absent', 'path')),
  seen_path TEXT,
  latest_id INTEGER CHECK (latest_id BETWEEN 0 AND 9007199254740991),
  latest_out_path TEXT,
  latest_name TEXT,
  latest_finished_at INTEGER CHECK (latest_finished_at BETWEEN 0 AND 8640000000000000),
  pause_reason TEXT,
  pause_since INTEGER CHECK (pause_since BETWEEN 0 AND 8640000000000000),
  pause_until INTEGER CHECK (pause_until BETWEEN 0 AND 8640000000000000),
  held_since INTEGER CHECK (held_since BETWEEN 0 AND 8640000000000000),
  polled_at INTEGER CHECK (polled_at BETWEEN 0 AND 8640000000000000),
  next_poll_at INTEGER CHECK (next_poll_at BETWEEN 0 AND 8640000000000000),
  failures INTEGER CHECK (failures BETWEEN 0 AND 9007199254740991) NOT NULL,
  last_failure_at INTEGER CHECK (last_failure_at BETWEEN 0 AND 8640000000000000),
  last_failure_code TEXT,
  last_failure_message TEXT,
  last_failure_next TEXT,
  active_path TEXT,
  active_build_id INTEGER CHECK (active_build_id BETWEEN 0 AND 9007199254740991),
  active_name TEXT
    CHECK (active_path IS NOT NULL OR (active_build_id IS NULL AND active_name IS NULL))
    CHECK ((active_path IS NULL) + (active_since IS NULL) + (active_how IS NULL) + (active_degraded IS NULL) IN (0, 4)),
  previous_path TEXT,
  previous_build_id INTEGER CHECK (previous_build_id BETWEEN 0 AND 9007199254740991),
  previous_name TEXT
    CHECK (previous_path IS NOT NULL OR (previous_build_id IS NULL AND previous_name IS NULL)),
  CHECK ((seen = 'path') = (seen_path IS NOT NULL)),
  CHECK ((latest_id IS NULL) + (latest_out_path IS NULL) + (latest_name IS NULL) IN (0, 3)),
  CHECK ((last_failure_at IS NULL) + (last_failure_code IS NULL) + (last_failure_message IS NULL) + (last_failure_next IS NULL) IN (0, 4))
) STRICT;
INSERT INTO "service" VALUES(1,'/nix/var/nix/profiles/web','https://hydra.example.org/job/a/b/c/latest','["--profile","/nix/var/nix/profiles/web"]','512044ce-75f8-4da6-b43d-fc423dcac6ec',14,1767225612000,'active',1767225612000,2,2,1800000000002,'rolled-back',1,'path','/nix/store/00000000000000000000000000000006-web-6.0',1007,'/nix/store/00000000000000000000000000000007-web-7.0','web-7.0',1800000000,'the fair',1800000000003,1800000999000,1800000000004,1800000000005,1800000000006,2,1800000000007,'hydra-timeout','slow','Wait.','/nix/store/00000000000000000000000000000006-web-6.0',1006,'web-6.0','/nix/store/00000000000000000000000000000005-web-5.0',1005,'web-5.0');
CREATE TABLE transition (
  seq INTEGER PRIMARY KEY AUTOINCREMENT CHECK (seq BETWEEN 1 AND 9007199254740991),
  deployment_id INTEGER CHECK (deployment_id BETWEEN 1 AND 9007199254740991),
  at INTEGER CHECK (at BETWEEN 0 AND 8640000000000000) NOT NULL,
  from_state TEXT NOT NULL,
  event TEXT NOT NULL,
  to_state TEXT NOT NULL
) STRICT;
INSERT INTO "transition" VALUES(1,1,1767225601000,'idle','build-found','discovered');
INSERT INTO "transition" VALUES(2,1,1767225602000,'discovered','admitted','realising');
INSERT INTO "transition" VALUES(3,1,1767225603000,'realising','realised','switching');
INSERT INTO "transition" VALUES(4,1,1767225604000,'switching','switched','activating');
INSERT INTO "transition" VALUES(5,1,1767225605000,'activating','activated','verifying');
INSERT INTO "transition" VALUES(6,1,1767225606000,'verifying','verified','active');
INSERT INTO "transition" VALUES(7,2,1767225607000,'active','build-found','discovered');
INSERT INTO "transition" VALUES(8,2,1767225608000,'discovered','admitted','realising');
INSERT INTO "transition" VALUES(9,2,1767225609000,'realising','realised','switching');
INSERT INTO "transition" VALUES(10,2,1767225610000,'switching','switched','activating');
INSERT INTO "transition" VALUES(11,2,1767225611000,'activating','activated','verifying');
INSERT INTO "transition" VALUES(12,2,1767225612000,'verifying','verified','active');
