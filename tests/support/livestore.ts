/**
 * The API of @livestore/wa-sqlite as that of wa-sqlite is used here. Its calls are synchronous, so that
 * none of them can wait, and it prepares all statements of a text before the first of them is run.
 */
import { Factory } from '@livestore/wa-sqlite/src/sqlite-api.js';

export function livestoreApi(module: object): SQLiteAPI {
  const api = Factory(module);
  return {
    ...(api as object as SQLiteAPI),
    statements: async function* (connection: number, sql: string) {
      for (const one of singleStatements(sql)) {
        for (const statement of api.statements(connection, one, { unscoped: true })) {
          try {
            yield statement;
          } finally {
            api.finalize(statement);
          }
        }
      }
    },
  };
}

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|;|[^'";\-/]+|[\s\S]/g;
const TRIGGER = /^\s*create\s+(?:temp(?:orary)?\s+)?trigger\b/i;
const TRIGGER_END = /\bend\s*$/i;

/** Each statement of a text. The semicolons inside a trigger are part of it. */
export function singleStatements(sql: string): string[] {
  const statements: string[] = [];
  let statement = '';
  for (const [token] of sql.matchAll(TOKEN)) {
    const ends = token === ';' && (!TRIGGER.test(statement) || TRIGGER_END.test(statement));
    if (!ends) statement += token;
    else {
      statements.push(statement);
      statement = '';
    }
  }
  return [...statements, statement].filter((one) => one.trim() !== '');
}
