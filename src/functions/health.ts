/** `GET /health`: whether the worker and what it needs are there. */
import { app } from '@azure/functions';
import { serviceHealth } from '../pipeline/health.ts';

app.http('health', {
  methods: ['GET'],
  route: 'health',
  authLevel: 'anonymous',
  handler: async () => {
    const services = await serviceHealth();
    const status =
      services.storage === 'available' && services.ffmpeg === 'available' ? 'healthy' : 'degraded';
    return { jsonBody: { status, timestamp: new Date().toISOString(), services } };
  },
});
