import { execFileSync } from 'node:child_process';

/** What workers load, all of their computing processes included. */
const WORKER_MODULES = [
  'local/serve',
  'functions/activities',
  'functions/analyze-request',
  'functions/orchestrator',
  'pipeline/compute/analyse-file',
  'pipeline/separation/open',
];

/** Builds `dist/` before the tests: the embedded host loads the functions from there, as the real host does. */
export default function build(): void {
  execFileSync('npm', ['run', '--silent', 'build'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  // Workers that are killed leave no compiled code for the next one: one that ends by itself does.
  const load = WORKER_MODULES.map((name) => `await import('./dist/${name}.js');`).join('');
  execFileSync(process.execPath, ['--input-type=module', '-e', `${load} process.exit();`], { stdio: 'pipe' });
}
