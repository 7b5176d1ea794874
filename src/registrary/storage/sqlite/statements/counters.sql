-- name: consume
INSERT INTO counter (issuer, name, used)
SELECT ?1, ?2, max(0, ?3) WHERE ?3 <= 0 OR ?3 <= ?4
ON CONFLICT (issuer, name) DO UPDATE
SET used = max(0, used + ?3)
WHERE ?3 <= 0 OR used + ?3 <= ?4;

-- name: used
SELECT used FROM counter WHERE issuer = ?1 AND name = ?2;
