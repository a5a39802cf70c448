/** Runs the engine on a database until it is ended, and starts the instance `one` of `slowly` where there is none. */

import { DurableEngine } from '../../../src/local/durable/engine.ts';
import { loadApp } from '../../../src/local/worker/app.ts';

const [root, database, file] = process.argv.slice(2);
const log = () => {};
const app = await loadApp(root, log);
const engine = new DurableEngine({ app, database, hubName: 'test', maxConcurrentActivities: 2, log });
await engine.start('http://127.0.0.1:1');
if (!engine.instance('one')) engine.startNew('slowly', 'one', JSON.stringify({ file }));
const watch = setInterval(() => {
  const instance = engine.instance('one')!;
  if (instance.status !== 'Completed') return;
  clearInterval(watch);
  process.stdout.write(instance.output!);
  void engine.stop(1000);
}, 20);
