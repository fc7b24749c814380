/** Reading plain objects by a name that users choose: a field may be called `constructor`, and every object inherits one. */

export function own<T>(object: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
}
