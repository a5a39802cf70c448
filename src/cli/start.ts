/** `npm start`: the worker on PORT (default 7071) of HOST (default 127.0.0.1), until Ctrl-C. */
import { applySettings } from '../local/environment.ts';
import { serve } from '../local/serve.ts';
import { readConfig } from '../pipeline/config.ts';
import { localHost } from './local-host.ts';

try {
  const host = localHost();
  applySettings(host);
  readConfig(); // A setting that is wrong is told in a line, before anything starts.
  await serve(host);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
