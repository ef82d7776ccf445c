const MAX_MATCHES = 200;

export interface FoundPaths {
  /** The paths of what matches, such as `/courses/nodes/0/title`. */
  matches: Set<string>;
  /** The paths that have to be unfolded to see them. */
  ancestors: Set<string>;
  /** Whether there are more. */
  isCut: boolean;
}

/** Finds names and values that contain a text. */
export function findPaths(data: unknown, search: string): FoundPaths {
  const found: FoundPaths = { matches: new Set(), ancestors: new Set(), isCut: false };
  const wanted = search.trim().toLowerCase();
  if (wanted) walk(data, '', wanted, found);
  return found;
}

function walk(value: unknown, path: string, wanted: string, found: FoundPaths): void {
  if (found.isCut) return;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const isMatch =
    name.toLowerCase().includes(wanted) || (!isInner(value) && String(value).toLowerCase().includes(wanted));
  if (isMatch && path) {
    if (found.matches.size >= MAX_MATCHES) {
      found.isCut = true;
      return;
    }
    found.matches.add(path);
    for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
      found.ancestors.add(path.slice(0, end));
      if (end === 0) break;
    }
  }
  if (!isInner(value)) return;
  for (const [key, inner] of Object.entries(value)) walk(inner, `${path}/${key}`, wanted, found);
}

/** Whether it has something in it: an object, or a list. */
export function isInner(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** `3 items`, or the names of the first fields. */
export function summarize(value: object): string {
  if (Array.isArray(value)) return value.length === 1 ? '1 item' : `${value.length} items`;
  const names = Object.keys(value);
  return names.length > 4 ? `{ ${names.slice(0, 4).join(', ')}, … }` : `{ ${names.join(', ')} }`;
}
