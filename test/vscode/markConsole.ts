import { markConsole } from '../host/testConsole';

markConsole();
