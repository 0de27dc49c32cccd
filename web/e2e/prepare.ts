import { makeFiles } from './files';

export default function setup(): void {
  makeFiles();
}
