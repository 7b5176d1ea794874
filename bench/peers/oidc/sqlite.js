// oidc-provider on SQLite, as durable as Registrary promises to be: synchronous=FULL.
//
// One prepared statement per action, write-ahead log, one commit per record; the provider
// saves the client and its registration access token as two records.

import { DatabaseSync } from 'node:sqlite';

import { Adapter, keysOf } from './adapter.js';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS record (
    model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, expires_at INTEGER,
    PRIMARY KEY (model, id)
  )`;

export async function openSqlite(file) {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(SCHEMA);
  const put = database.prepare(
    `INSERT INTO record (model, id, payload, expires_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`,
  );
  const get = database.prepare('SELECT payload FROM record WHERE model = ? AND id = ?');
  const drop = database.prepare('DELETE FROM record WHERE model = ? AND id = ?');

  return class SqliteAdapter extends Adapter {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn ? Math.floor(Date.now() / 1000) + expiresIn : null;
      for (const key of keysOf(this.model, id, payload)) {
        put.run(this.model, key, JSON.stringify(payload), expiresAt);
      }
    }

    async find(id) {
      const row = get.get(this.model, id);
      return row && JSON.parse(row.payload);
    }

    async destroy(id) {
      drop.run(this.model, id);
    }
  };
}
