/** `npm start`: the worker on PORT (default 7071) of HOST (default 127.0.0.1), until Ctrl-C. */
import { serve } from '../local/serve.ts';
import { localHost } from './local-host.ts';

const DEFAULT_PORT = 7071;
const HIGHEST_PORT = 65_535;

const port = Number(process.env.PORT || DEFAULT_PORT);
if (!Number.isInteger(port) || port < 0 || port > HIGHEST_PORT) {
  process.stderr.write(`PORT must be a whole number from 0 to ${HIGHEST_PORT}, got "${process.env.PORT}".\n`);
  process.exit(1);
}
await serve(localHost(port));
