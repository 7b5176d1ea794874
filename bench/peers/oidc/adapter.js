// The adapter interface of oidc-provider as far as the bench meets it.

export class Adapter {
  constructor(model) {
    this.model = model;
  }

  // Sessions are also looked up by the number that their interactions know them by.
  async findByUid(uid) {
    return this.find(`uid:${uid}`);
  }

  // A code is good once; the provider tells by this mark.
  async consume(id) {
    const record = await this.find(id);
    const now = Math.floor(Date.now() / 1000);
    await this.upsert(id, { ...record, consumed: now }, record.exp - now);
  }

  // These members belong to grants that the bench never makes.
  async findByUserCode() {
    throw new Error('not part of the bench');
  }

  async revokeByGrantId() {
    throw new Error('not part of the bench');
  }
}

/** Return the keys a record is kept under. */
export function keysOf(model, id, { uid }) {
  return model === 'Session' ? [id, `uid:${uid}`] : [id];
}
