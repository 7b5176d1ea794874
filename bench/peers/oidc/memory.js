// Everything in one Map and nothing evicted: the provider's own memory adapter keeps a
// thousand records, which a bench passes within its first second.

import { Adapter, keysOf } from './adapter.js';

const records = new Map();

class MemoryAdapter extends Adapter {
  async upsert(id, payload) {
    for (const key of keysOf(this.model, id, payload)) records.set(`${this.model}:${key}`, payload);
  }

  async find(id) {
    return records.get(`${this.model}:${id}`);
  }

  async destroy(id) {
    records.delete(`${this.model}:${id}`);
  }
}

export async function openMemory() {
  return MemoryAdapter;
}
