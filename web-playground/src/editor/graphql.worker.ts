import { initialize } from 'monaco-editor/esm/vs/editor/editor.worker.js';
import { GraphQLWorker } from 'monaco-graphql/esm/GraphQLWorker.js';
import { withoutDefaults } from './variables-schema';

type Context = ConstructorParameters<typeof GraphQLWorker>[0];
type CreateData = ConstructorParameters<typeof GraphQLWorker>[1];

/** monaco-graphql's worker, which also knows that a variable with a default value may be left out. */
class Worker extends GraphQLWorker {
  readonly #context: Context;

  constructor(context: Context, data: CreateData) {
    super(context, data);
    this.#context = context;
  }

  override async doGetVariablesJSONSchema(uri: string) {
    const schema = await super.doGetVariablesJSONSchema(uri);
    const models = this.#context.getMirrorModels();
    const document = models.find((model) => model.uri.toString() === uri)?.getValue();
    return schema && document ? withoutDefaults(schema, document) : schema;
  }
}

globalThis.onmessage = () => {
  initialize((context: Context, data: CreateData) => new Worker(context, data));
};
