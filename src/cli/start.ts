/** `npm start`: the worker on PORT (default 7071) of HOST (default 127.0.0.1), until Ctrl-C. */
import { serve } from '../local/serve.ts';
import { localHost } from './local-host.ts';

try {
  await serve(localHost());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
