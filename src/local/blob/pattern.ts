import { HostSetupError } from '../errors.ts';

/** The path of a blob trigger, `container/{name}` or `container/{a}/{b}.wav`, taken apart. */
export interface BlobPattern {
  container: string;
  /** What every matching blob's name begins with; may be empty. */
  prefix: string;
  /** The parameters of a blob's name, or undefined where it does not match. */
  match(blobName: string): Record<string, string> | undefined;
}

/** As under Azure a parameter takes as much as it can, slashes too; a path of a container alone takes every blob. */
export function parseBlobPattern(path: string): BlobPattern {
  const slash = path.indexOf('/');
  const container = slash < 0 ? path : path.slice(0, slash);
  const template = slash < 0 ? '{name}' : path.slice(slash + 1);
  if (!/^(\$root|[a-z0-9](-?[a-z0-9])+)$/.test(container)) {
    throw new HostSetupError(
      `the blob path "${path}" must begin with a container's name, got "${container}"`,
    );
  }

  const names: string[] = [];
  const pieces = template.split(/\{(\w+)\}/);
  const source = pieces.map((piece, index) => {
    if (index % 2 === 0) return piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    if (names.includes(piece)) throw new HostSetupError(`the blob path "${path}" names {${piece}} twice`);
    names.push(piece);
    return '(.*)';
  });
  const expression = new RegExp(`^${source.join('')}$`, 's');
  return {
    container,
    prefix: pieces[0],
    match: (blobName) => {
      const found = expression.exec(blobName);
      return found ? Object.fromEntries(names.map((name, index) => [name, found[index + 1]])) : undefined;
    },
  };
}
