/** The storage worker that `IDBBlockSharedVFS` starts. */
import { serveStorage } from './serve.js';

serveStorage();
