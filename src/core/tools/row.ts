/**
 * One after another, and whatever stands there can leave. The first is found at once: of a Map or a Set it is behind all that have been
 * taken from the front, which are looked past each time until the table is built anew.
 */

/** In one row at most. */
export interface Place<P> {
  before: P | undefined;
  after: P | undefined;
}

/** Empty. */
export class Row<P extends Place<P>> {
  first: P | undefined = undefined;
  #last: P | undefined = undefined;

  add(place: P): void {
    place.before = this.#last;
    if (this.#last) this.#last.after = place;
    else this.first = place;
    this.#last = place;
  }
  /** It stands there. */
  remove(place: P): void {
    const { before, after } = place;
    if (before) before.after = after;
    else this.first = after;
    if (after) after.before = before;
    else this.#last = before;
    place.before = place.after = undefined;
  }
}
