/** HTTP streaming: without it the Functions host drops a body that comes in chunks, without a Content-Length. */
import { app } from '@azure/functions';

app.setup({ enableHttpStream: true });
