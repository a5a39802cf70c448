import { describe } from 'vitest';
import { httpSuite } from './suite.ts';

describe('an app with HTTP streaming', () => httpSuite(true));
