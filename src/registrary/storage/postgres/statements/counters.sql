-- name: used
SELECT used FROM registrary.counter WHERE issuer = $1 AND name = $2;
