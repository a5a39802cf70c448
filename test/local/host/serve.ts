/** Runs `serve` with the options given as JSON: an app can be loaded once per process only. */
import { serve } from '../../../src/local/serve.ts';

await serve(JSON.parse(process.argv[2]));
