/**
 * The oldest branch whose decoder is not warned of: 5.1 is the oldest that still gets security fixes, from its authors
 * and from Debian 12. What is older has known faults that a made-up file can use.
 */
export const OLDEST_SAFE = '5.1';

/** The version in what `ffmpeg -version` says first: `7.1.1`, or a name such as `N-47683-g0e8eb07980` between releases. */
export function versionIn(words: string): string | undefined {
  return /^ffmpeg version n?(\S+)/m.exec(words)?.[1];
}

/** Release number as `[8, 1, 1]`; empty where the version is no release, such as a build from between two. */
export function releaseOf(version: string | undefined): readonly number[] {
  const release = /^n?(\d+(?:\.\d+)+)/.exec(version ?? '')?.[1];
  return release ? release.split('.').map(Number) : [];
}

/** Above zero where `a` is newer than `b`. What is no release counts as the oldest. */
export function compareVersions(a: string | undefined, b: string | undefined): number {
  const [left, right] = [releaseOf(a), releaseOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** What is to be said of a version that gets no security fixes any more; `undefined` for one that does. */
export function warningOf(version: string | undefined): string | undefined {
  if (compareVersions(version, OLDEST_SAFE) >= 0) return undefined;
  return (
    `Songs are decoded by ffmpeg ${version ?? 'of an unknown version'}; versions below ${OLDEST_SAFE} get no security fixes. ` +
    'Install a current one, or set FFMPEG_PATH to it.'
  );
}
