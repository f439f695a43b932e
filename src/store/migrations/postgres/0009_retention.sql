-- What is forgotten is found by its age.
CREATE INDEX delivery_finished ON delivery (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX ticket_end ON ticket (expires_at);
CREATE INDEX delivered_end ON delivered (expires_at);
CREATE INDEX hold_ended ON hold (coalesce(decided_at, received_at)) WHERE blob IS NULL;
