// The adapter interface of oidc-provider as far as the bench meets it.

export class Adapter {
  constructor(model) {
    this.model = model;
  }

  // These members belong to grants of people, which the bench never makes.
  async findByUid() {
    throw new Error('not part of the bench');
  }

  async findByUserCode() {
    throw new Error('not part of the bench');
  }

  async consume() {
    throw new Error('not part of the bench');
  }

  async revokeByGrantId() {
    throw new Error('not part of the bench');
  }
}
