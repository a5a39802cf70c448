/** `GET /health`: whether the worker and what it needs are there. */
import { app } from '@azure/functions';
import { serviceHealth } from '../pipeline/health.ts';
import { withProblems } from './problem.ts';

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
