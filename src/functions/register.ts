/** Registers the orchestrations, an activity for each stage, and what is done when the worker starts and ends. */
import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { removeHeldFolders, sweepCopies } from '../pipeline/audio/copies/copies.ts';
import { endIdleProcesses } from '../pipeline/compute/pool.ts';
import { readConfig } from '../pipeline/config.ts';
import { STAGES } from '../pipeline/contracts.ts';
import { asWorkerError } from '../pipeline/errors.ts';
import { told } from '../text/told.ts';
import { activitiesEnded, runActivity } from './activities.ts';
import { interruptActivities } from './activity-watch.ts';
import { deliverCallback } from './callback-delivery.ts';
import { DELIVERY, MESSAGE_ACTIVITIES, ORCHESTRATION, type StageCall } from './names.ts';
import { analyzeSong } from './orchestrator.ts';

df.app.orchestration(ORCHESTRATION, analyzeSong);
df.app.orchestration(DELIVERY, deliverCallback);
for (const name of [...STAGES, ...MESSAGE_ACTIVITIES])
  df.app.activity(name, {
    // To hold a callback is to start its delivery.
    extraInputs: name === 'holdCallback' ? [df.input.durableClient()] : [],
    handler: (call: StageCall, invocation) => runActivity(name, call, invocation),
  });

app.hook.appStart(async () => {
  // Neither what is left on the disk nor a wrong setting is a reason not to start; `songUploaded` and /health tell of the latter.
  try {
    const config = readConfig();
    for (const warning of config.warnings) console.warn(warning);
    await sweepCopies(config);
  } catch (error) {
    const { code, message } = asWorkerError(error);
    if (code !== 'misconfigured') console.warn(told(`Old copies of songs stay: ${message}`));
  }
});

app.hook.appTerminate(async () => {
  interruptActivities();
  await activitiesEnded();
  endIdleProcesses();
  await removeHeldFolders();
});
