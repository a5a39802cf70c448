import { describe } from 'vitest';
import { httpSuite } from './suite.ts';

describe('an app without HTTP streaming', () => httpSuite(false));
