// What the Dockerfile and .dockerignore must keep to, as a function of their texts.

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** Each instruction on one line, without comments. */
function instructionsOf(dockerfile: string): Instruction[] {
  const lines = dockerfile
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', ...rest] = line.split(/\s+/);
      return { name: name.toUpperCase(), rest: rest.join(' ') };
    });
}

const isExecForm = (rest: string): boolean => /^\[.*\]$/.test(rest);
const BASE = '${NODE_IMAGE}';
const SECRET = /token|passw|secret|credential|_key\b|_auth\b/i;

/** @param nodeVersion the one that the project is written for */
export function dockerfileProblems(dockerfile: string, nodeVersion: string): string[] {
  const instructions = instructionsOf(dockerfile);
  const finalFrom = instructions.findLastIndex(({ name }) => name === 'FROM');
  return [
    ...problemsOfBases(instructions, nodeVersion),
    ...instructions.flatMap(problemsOfInstruction),
    ...problemsOfLastStage(instructions, finalFrom),
  ];
}

function problemsOfBases(instructions: readonly Instruction[], nodeVersion: string): string[] {
  const problems: string[] = [];
  const [base] = instructions;
  const pinned = new RegExp(`^NODE_IMAGE=\\S+:${RegExp.escape(nodeVersion)}-\\S+$`);
  if (base?.name !== 'ARG' || !pinned.test(base.rest))
    problems.push(`NODE_IMAGE does not default to a tag of Node ${nodeVersion}`);
  const known = new Set([BASE, 'scratch']);
  for (const { rest } of instructions.filter(({ name }) => name === 'FROM')) {
    const [image = '', , stage] = rest.split(' ');
    if (!known.has(image)) problems.push(`FROM ${image} is neither the base nor an earlier stage`);
    if (stage !== undefined) known.add(stage);
  }
  return problems;
}

function problemsOfInstruction({ name, rest }: Instruction): string[] {
  if (name === 'ADD') return [`ADD ${rest} may fetch and unpack; COPY does not`];
  if (name === 'COPY' && /--from=[^ ]*[/:]/.test(rest)) return [`COPY ${rest} takes from another image`];
  if ((name === 'ARG' || name === 'ENV') && SECRET.test(rest)) return [`${name} ${rest} looks like a secret`];
  return [];
}

/** The stage that is shipped, and those it is made of, which all have their user from the one before. */
function problemsOfLastStage(instructions: readonly Instruction[], from: number): string[] {
  const problems: string[] = [];
  const last = (name: string): string | undefined => instructions.findLast((one) => one.name === name)?.rest;
  const user = last('USER');
  if (user === undefined || !/^[1-9]\d*:[1-9]\d*$/.test(user))
    problems.push(`USER ${user} is no number of a user and of a group other than root`);
  for (const name of ['ENTRYPOINT', 'CMD']) {
    const rest = last(name);
    if (rest === undefined || !isExecForm(rest)) problems.push(`${name} needs a shell`);
  }
  const shipped = instructions.slice(from);
  if (shipped.some(({ name }) => name === 'RUN')) problems.push('the last stage runs something');
  return problems;
}

/** The entries that .dockerignore lets in; throws unless it begins by letting in nothing. */
export function letIn(dockerignore: string): string[] {
  const lines = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const [first, ...rest] = lines;
  if (first !== '*' || rest.some((line) => !line.startsWith('!')))
    throw new Error('.dockerignore does not begin with * and go on with exceptions only');
  return rest.map((line) => line.slice(1));
}
