import type { CodegenConfig } from '@graphql-codegen/cli';

/** Types and documents of all `.graphql` files beside the pages: `npm run codegen`. */
const config: CodegenConfig = {
  schema: '../../api.graphql',
  documents: 'src/**/*.graphql',
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        enumType: 'string-literal',
        enumsAsTypes: true,
        useTypeImports: true,
        skipTypename: false,
        nonOptionalTypename: false,
        defaultScalarType: 'unknown',
        scalars: { DateTime: 'string', Decimal: 'string' },
      },
    },
  },
};

export default config;
