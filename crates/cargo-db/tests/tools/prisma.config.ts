// Prisma Migrate over node's client for PostgreSQL.
import { defineConfig } from "prisma/config";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";

const CHAR = 18;
const TEXT = 25;

function readable(result: any) {
  for (const one of [result].flat()) {
    for (const field of one?.fields ?? []) if (field.dataTypeID === CHAR) field.dataTypeID = TEXT;
  }
  return result;
}

function factory(url: string) {
  const pool: any = new pg.Pool({ connectionString: url, allowExitOnIdle: true });
  const patch = (client: any) => {
    const query = client.query.bind(client);
    client.query = (...args: any[]) => {
      const answer = query(...args);
      return answer?.then ? answer.then(readable) : answer;
    };
  };
  patch(pool);
  pool.on("connect", patch);
  const made: any = new PrismaPg(pool, { disposeExternalPool: true } as any);
  const connect = made.connect.bind(made);
  made.connect = async () => {
    const connection = await connect();
    connection.executeScript = async (script: string) => {
      try {
        await pool.query(script);
      } catch (error) {
        connection.onError(error);
      }
    };
    return connection;
  };
  return made;
}

export default defineConfig({
  experimental: { adapter: true },
  engine: "js",
  schema: "prisma/schema.prisma",
  adapter: async () => {
    const adapter = factory(process.env.DATABASE_URL!);
    const shadow = process.env.SHADOW_DATABASE_URL;
    if (shadow) {
      adapter.connectToShadowDb = async () => {
        const connection = await factory(shadow).connect();
        await connection.executeScript("DROP SCHEMA public CASCADE; CREATE SCHEMA public;");
        return connection;
      };
    }
    return adapter;
  },
} as any);
