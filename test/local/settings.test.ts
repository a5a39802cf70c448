import { expect, it } from 'vitest';
import { HostSetupError } from '../../src/local/errors.ts';
import { DEVELOPMENT_STORAGE, storageConnection } from '../../src/local/settings.ts';

it.each(['nonsense', 'AccountName=a', 'AccountName=a;AccountKey=c2VjcmV0%'])(
  'a connection %j is refused by the name of its setting, and not shown',
  (value) => {
    const connect = () => storageConnection('AzureWebJobsStorage', { AzureWebJobsStorage: value });
    expect(connect).toThrow(HostSetupError);
    expect(connect).toThrow(
      /^the app setting AzureWebJobsStorage is no storage connection string: (?!.*c2Vj)/,
    );
  },
);

it('a connection that is one is taken as it is', () => {
  for (const value of [
    DEVELOPMENT_STORAGE,
    'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2Vj;EndpointSuffix=core.windows.net',
  ])
    expect(storageConnection('Songs', { AzureWebJobsSongs: value })).toBe(value);
});
