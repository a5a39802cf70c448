import type { QueueServiceClient } from '@azure/storage-queue';

export const POISON_QUEUE = 'webjobs-blobtrigger-poison';

/** What the real host writes about a blob that a function failed on for good. */
export interface PoisonMessage {
  Type: 'BlobTrigger';
  FunctionId: string;
  BlobType: string;
  ContainerName: string;
  BlobName: string;
  /** With its quotes. */
  ETag: string;
}

/** Leaves the message, in Base64 as the real host does, for whoever looks into the failure. */
export async function sendPoison(queues: QueueServiceClient, message: PoisonMessage): Promise<void> {
  const queue = queues.getQueueClient(POISON_QUEUE);
  await queue.createIfNotExists();
  await queue.sendMessage(Buffer.from(JSON.stringify(message)).toString('base64'), { messageTimeToLive: -1 });
}
