-- What can be asked besides of a table of records that end.

-- name: expired
SELECT record FROM registrary.{table}
WHERE issuer = $1 AND expires_at <= $2
ORDER BY expires_at, key
LIMIT $3;
