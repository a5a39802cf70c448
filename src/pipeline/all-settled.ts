/**
 * Waits for everything that was begun, also where some of it fails, so that nothing is still at work when the failure is
 * dealt with. @throws the first failure
 */
export async function allSettled<T extends readonly unknown[] | []>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}
