-- What a run was: model, plugins and parameters, one value a row.
CREATE TABLE run (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- The classes that are named anywhere; the number is that of the model's output.
CREATE TABLE classes (class INTEGER PRIMARY KEY, mid TEXT NOT NULL, name TEXT NOT NULL);

-- A row a clip, in the order of the run; one that failed has an error.
CREATE TABLE clips (
    clip INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    sample_rate_hz INTEGER,
    channels INTEGER,
    duration_seconds REAL,
    patches INTEGER,
    error_type TEXT,
    error TEXT
);
CREATE TABLE warnings (clip INTEGER NOT NULL REFERENCES clips, warning TEXT NOT NULL);

-- The tags of whole clips, and of their patches where the run gave them; the highest has rank 1.
CREATE TABLE clip_tags (
    clip INTEGER NOT NULL REFERENCES clips,
    rank INTEGER NOT NULL,
    class INTEGER NOT NULL REFERENCES classes,
    score REAL NOT NULL
);
CREATE TABLE patch_tags (
    clip INTEGER NOT NULL REFERENCES clips,
    start_seconds REAL NOT NULL,
    end_seconds REAL NOT NULL,
    rank INTEGER NOT NULL,
    class INTEGER NOT NULL REFERENCES classes,
    score REAL NOT NULL
);
CREATE TABLE events (
    clip INTEGER NOT NULL REFERENCES clips,
    onset_seconds REAL NOT NULL,
    offset_seconds REAL NOT NULL,
    class INTEGER NOT NULL REFERENCES classes,
    score REAL NOT NULL
);

-- The same with names, for people.
CREATE VIEW tags AS
    SELECT path, name, score, rank, mid, clip, class
    FROM clip_tags JOIN clips USING (clip) JOIN classes USING (class);
CREATE VIEW timeline AS
    SELECT path, start_seconds, end_seconds, name, score, rank, mid, clip, class
    FROM patch_tags JOIN clips USING (clip) JOIN classes USING (class);
CREATE VIEW sounds AS
    SELECT path, onset_seconds, offset_seconds, name, score, mid, clip, class
    FROM events JOIN clips USING (clip) JOIN classes USING (class);
