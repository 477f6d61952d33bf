-- Whether the agent chose the call (rule 13 of distribution); else it was chosen for them.
ALTER TABLE alerts ADD COLUMN picked_up BIGINT NOT NULL DEFAULT 0;
