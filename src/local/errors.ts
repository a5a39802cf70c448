/** The app or its surroundings are not as the host needs them: shown to the user without a stack. */
export class HostSetupError extends Error {
  override readonly name = 'HostSetupError';
}
