-- Created after the last row, when it takes least time.
CREATE INDEX clips_by_path ON clips (path);
CREATE INDEX classes_by_name ON classes (name);
CREATE INDEX warnings_by_clip ON warnings (clip_id);
CREATE INDEX clip_tags_by_class ON clip_tags (class_index, score);
CREATE INDEX clip_tags_by_clip ON clip_tags (clip_id, rank);
CREATE INDEX clip_tags_by_score ON clip_tags (score);
CREATE INDEX patch_tags_by_class ON patch_tags (class_index, score);
CREATE INDEX patch_tags_by_clip ON patch_tags (clip_id, start_seconds, rank);
CREATE INDEX events_by_class ON events (class_index, score);
CREATE INDEX events_by_clip ON events (clip_id, onset_seconds);
