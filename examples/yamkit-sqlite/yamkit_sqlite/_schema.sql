-- The number of this form of the database; it grows when a table changes.
PRAGMA user_version = 1;

-- One row: what the numbers come from, and the choices behind them.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    yamkit TEXT NOT NULL,
    model_name TEXT NOT NULL,
    model_version TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    model_source TEXT NOT NULL,
    model_classes INTEGER NOT NULL,
    backend TEXT NOT NULL,
    frontend TEXT NOT NULL,
    resampler TEXT NOT NULL,
    provider TEXT NOT NULL,
    aggregate TEXT NOT NULL,
    hop_seconds REAL NOT NULL,
    threshold REAL,
    top INTEGER,
    score_kind TEXT NOT NULL,
    calibration TEXT,
    class_thresholds TEXT,
    classes TEXT,              -- those that can be reported, a JSON list; NULL for all
    roll_up INTEGER NOT NULL,
    events_enter REAL,         -- this and the rest of events: NULL where none are found
    events_leave REAL,
    events_cells TEXT,
    events_score TEXT,
    events_median_cells INTEGER,
    events_min_duration_seconds REAL,
    events_join_gap_seconds REAL,
    per_patch INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    shards INTEGER NOT NULL,
    channel TEXT NOT NULL,     -- mix for the mean of all, else the number of the one that is heard
    stream INTEGER             -- of files with several sound streams; NULL for the default one
);

-- The classes that a tag or an event names; the index is that of the model's output.
CREATE TABLE classes (
    class_index INTEGER PRIMARY KEY,
    mid TEXT NOT NULL,
    name TEXT NOT NULL
);

-- One row per clip, in the order of the run. A clip that failed has an error and no duration.
CREATE TABLE clips (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    sample_rate_hz INTEGER,
    channels INTEGER,
    duration_seconds REAL,
    patches INTEGER,
    error_type TEXT,
    error_message TEXT
);

CREATE TABLE warnings (
    clip_id INTEGER NOT NULL REFERENCES clips (id),
    message TEXT NOT NULL
);

-- The tags of whole clips; the highest has rank 1.
CREATE TABLE clip_tags (
    clip_id INTEGER NOT NULL REFERENCES clips (id),
    class_index INTEGER NOT NULL REFERENCES classes (class_index),
    rank INTEGER NOT NULL,
    score REAL NOT NULL
);

-- The tags of patches, where the run gave them.
CREATE TABLE patch_tags (
    clip_id INTEGER NOT NULL REFERENCES clips (id),
    start_seconds REAL NOT NULL,
    end_seconds REAL NOT NULL,
    class_index INTEGER NOT NULL REFERENCES classes (class_index),
    rank INTEGER NOT NULL,
    score REAL NOT NULL
);

CREATE TABLE events (
    clip_id INTEGER NOT NULL REFERENCES clips (id),
    onset_seconds REAL NOT NULL,
    offset_seconds REAL NOT NULL,
    class_index INTEGER NOT NULL REFERENCES classes (class_index),
    score REAL NOT NULL
);

-- The same with paths and names, for people.
CREATE VIEW tags AS
    SELECT path, name, score, rank, mid, clip_id, class_index
    FROM clip_tags JOIN clips ON clips.id = clip_id JOIN classes USING (class_index);

CREATE VIEW timeline AS
    SELECT path, start_seconds, end_seconds, name, score, rank, mid, clip_id, class_index
    FROM patch_tags JOIN clips ON clips.id = clip_id JOIN classes USING (class_index);

CREATE VIEW sounds AS
    SELECT path, onset_seconds, offset_seconds, name, score, mid, clip_id, class_index
    FROM events JOIN clips ON clips.id = clip_id JOIN classes USING (class_index);
