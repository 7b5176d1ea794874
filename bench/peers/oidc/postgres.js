// oidc-provider on PostgreSQL: a pool of connections, named (so: prepared) statements,
// one commit per record.

import pg from 'pg';

import { Adapter, keysOf } from './adapter.js';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS record (
    model text NOT NULL, id text NOT NULL, payload jsonb NOT NULL, expires_at timestamptz,
    PRIMARY KEY (model, id)
  )`;
const PUT = {
  name: 'put',
  text: `INSERT INTO record (model, id, payload, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`,
};
const GET = { name: 'get', text: 'SELECT payload FROM record WHERE model = $1 AND id = $2' };
const DROP = { name: 'drop', text: 'DELETE FROM record WHERE model = $1 AND id = $2' };

export async function openPostgres(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 16 });
  await pool.query(SCHEMA);

  return class PostgresAdapter extends Adapter {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn ? new Date(Date.now() + expiresIn * 1000) : null;
      for (const key of keysOf(this.model, id, payload)) {
        await pool.query({ ...PUT, values: [this.model, key, JSON.stringify(payload), expiresAt] });
      }
    }

    async find(id) {
      const { rows } = await pool.query({ ...GET, values: [this.model, id] });
      return rows[0]?.payload;
    }

    async destroy(id) {
      await pool.query({ ...DROP, values: [this.model, id] });
    }
  };
}
