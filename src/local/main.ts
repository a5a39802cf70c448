/** `npm start`: the app in the current folder, on PORT (default 7071) of HOST (default 127.0.0.1). */
import { resolve } from 'node:path';
import { serve } from './serve.ts';

const DEFAULT_PORT = 7071;

const port = Number(process.env.PORT || DEFAULT_PORT);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  process.stderr.write(`PORT must be a whole number from 0 to 65535, got "${process.env.PORT}"\n`);
  process.exit(1);
}

await serve({
  root: process.cwd(),
  port,
  hostname: process.env.HOST || undefined,
  localDir: resolve('.local'),
});
