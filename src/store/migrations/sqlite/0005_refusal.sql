-- Why a message was refused, in plain words: rules, clauses, counts, recipient classes. No personal data, so not sealed.
ALTER TABLE refusal ADD COLUMN explanation TEXT NOT NULL DEFAULT '';
