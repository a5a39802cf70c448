import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders of tests that start whole workers, the longest first. */
const LONG = ['/test/reliability/', '/test/cli/'];

/** Begins with the tests that take longest, so that none of them is left over when all others have ended. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = LONG.findIndex((folder) => moduleId.includes(folder));
      return found < 0 ? LONG.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
