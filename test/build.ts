import { execFileSync } from 'node:child_process';

/** Builds `dist/` before the tests: the embedded host loads the functions from there, as the real host does. */
export default function build(): void {
  execFileSync('npm', ['run', '--silent', 'build'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
}
