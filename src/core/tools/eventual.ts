/** What is waited for only where it has to be: a look asks for many small things that are there at once, and a promise for each costs more than they do. */
export type Eventual<T> = T | Promise<T>;

/** What `next` makes of it: at once where it is there. */
export function after<T, R>(awaited: Eventual<T>, next: (value: T) => Eventual<R>): Eventual<R> {
  return awaited instanceof Promise ? awaited.then(next) : next(awaited);
}

/** What `action` gives, or what `onError` makes of what it throws or rejects with. */
export function rescue<T, R>(action: () => Promise<T>, onError: (error: unknown) => R): Promise<T | R>;
export function rescue<T, R>(action: () => Eventual<T>, onError: (error: unknown) => R): Eventual<T | R>;
export function rescue<T, R>(action: () => Eventual<T>, onError: (error: unknown) => R): Eventual<T | R> {
  try {
    const given = action();
    return given instanceof Promise ? given.catch(onError) : given;
  } catch (error) {
    return onError(error);
  }
}
