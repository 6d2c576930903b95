ALTER TABLE threads ADD COLUMN lead INTEGER;
CREATE INDEX threads_lead ON threads (lead);
