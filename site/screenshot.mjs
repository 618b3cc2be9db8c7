// Takes a picture of the site: node screenshot.mjs CHROMIUM ADDRESS FILE [WIDTH] [light|dark] [EXAMPLE], an example that prints two lines by itself.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const [program, address, path, width = '1100', colorScheme = 'light', example = 'hello'] = process.argv.slice(2);
const executablePath = process.env.PATH.split(delimiter).map(folder => join(folder, program)).find(existsSync) ?? program;
// Root may not start it otherwise.
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: Number(width), height: 1000 }, colorScheme });
  page.on('pageerror', error => console.error(error));
  await page.goto(`${address}#${example}`);
  await page.getByText('in this browser just now').waitFor({ timeout: 120_000 });
  // The editor measures its lines when it is in view.
  await page.locator('#playground').scrollIntoViewIfNeeded();
  await page.locator('#run:enabled').click();
  await page.locator('#console li').nth(1).waitFor();
  await page.waitForTimeout(300);
  // The whole page is in view for the picture.
  await page.setViewportSize({ width: Number(width), height: await page.evaluate(() => document.documentElement.scrollHeight) });
  await page.mouse.move(0, 0);
  await page.evaluate(() => {
    document.activeElement.blur();
    scrollTo(0, 0);
  });
  await page.waitForTimeout(300);
  const height = await page.evaluate(() => document.querySelector('footer').offsetTop - 16);
  await page.screenshot({ path, clip: { x: 0, y: 0, width: Number(width), height } });
} finally {
  await browser.close();
}
