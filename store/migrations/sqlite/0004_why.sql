-- Why an agent was alerted (engine::event::Choice as JSON), and the alert's place in the journal; missing for older ones.
ALTER TABLE alerts ADD COLUMN choice TEXT;
ALTER TABLE alerts ADD COLUMN seq BIGINT;
-- Where in the journal a call begins and ends; missing for older ones.
ALTER TABLE calls ADD COLUMN began_seq BIGINT;
ALTER TABLE calls ADD COLUMN ended_seq BIGINT;
