/** `GET /health`: whether the worker and what it needs are there. */
import { app } from '@azure/functions';
import { chooseDecoder } from '../pipeline/audio/decoder/choose.ts';
import { serviceHealth } from '../pipeline/health.ts';
import { withProblems } from './problem.ts';

// Asked for now, its version is known when health is; where there is none, health says so.
chooseDecoder().catch(() => {});

app.http('health', {
  methods: ['GET'],
  route: 'health',
  authLevel: 'anonymous',
  handler: withProblems(async () => {
    const { healthy, ...health } = await serviceHealth();
    const status = healthy ? 'healthy' : 'degraded';
    return { jsonBody: { status, timestamp: new Date().toISOString(), ...health } };
  }),
});
